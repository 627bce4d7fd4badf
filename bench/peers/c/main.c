// The nats.c peer of the benchmarks: does what one line of JSON on standard input says, and answers with one line on standard output. The tasks and the answers are those of
// bench/shared/tasks.ts. Argument: the set-up as JSON.
#include <nats.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const char *SUBJECT = "bench.publish";

static void check(natsStatus status, const char *what)
{
    if (status == NATS_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(status));
    exit(1);
}

// The number behind "name": in flat JSON, 0 where there is none.
static int numberOf(const char *json, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(json, key);
    return at == NULL ? 0 : atoi(at + strlen(key));
}

// Whether "name" has this text.
static bool has(const char *json, const char *name, const char *text)
{
    char pair[128];
    snprintf(pair, sizeof pair, "\"%s\":\"%s\"", name, text);
    return strstr(json, pair) != NULL;
}

static double wallMs(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double cpuNs(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e9 + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e3;
}

static long residentBytes(void)
{
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &size, &resident) != 2)
        exit(1);
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

// Only with a callback does the client not wait for its first connection.
static void connected(natsConnection *nc, void *closure)
{
    (void)nc;
    (void)closure;
}

static natsConnection *open(const char *url, bool down)
{
    natsOptions *options = NULL;
    natsConnection *nc = NULL;
    check(natsOptions_Create(&options), "options");
    check(natsOptions_SetURL(options, url), "url");
    check(natsOptions_SetMaxReconnect(options, -1), "reconnects");
    check(natsOptions_SetReconnectBufSize(options, 1 << 30), "buffer");
    if (down)
    {
        check(natsOptions_SetReconnectWait(options, 60000), "wait");
        check(natsOptions_SetRetryOnFailedConnect(options, true, connected, NULL), "retry");
    }
    natsStatus status = natsConnection_Connect(&nc, options);
    if (status != NATS_NOT_YET_CONNECTED)
        check(status, "connect");
    natsOptions_Destroy(options);
    return nc;
}

static uint32_t published = 0;

static void publishAll(natsConnection *nc, int messages, int bytes, int pool)
{
    unsigned char *payloads = calloc(pool, bytes);
    for (int i = 0; i < messages; i++)
    {
        unsigned char *payload = payloads + (size_t)(i % pool) * bytes;
        uint32_t number = published++;
        for (int k = 0; k < 4; k++)
            payload[k] = number >> (24 - 8 * k);
        check(natsConnection_Publish(nc, SUBJECT, payload, bytes), "publish");
    }
    free(payloads);
}

static int compare(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static void publishTask(natsConnection *nc, const char *task)
{
    int messages = numberOf(task, "messages");
    double cpu = cpuNs(), start = wallMs();
    publishAll(nc, messages, numberOf(task, "bytes"), numberOf(task, "pool"));
    check(natsConnection_FlushTimeout(nc, 60000), "flush");
    printf("{\"ms\":%f,\"cpuNs\":%f}\n", wallMs() - start, (cpuNs() - cpu) / messages);
}

static void roundTripTask(natsConnection *nc, const char *task)
{
    int messages = numberOf(task, "messages"), bytes = numberOf(task, "bytes");
    double *took = calloc(messages, sizeof *took);
    double cpu = cpuNs(), start = wallMs();
    for (int i = 0; i < messages; i++)
    {
        double before = wallMs();
        publishAll(nc, 1, bytes, 1);
        check(natsConnection_Flush(nc), "flush");
        took[i] = (wallMs() - before) * 1e3;
    }
    double ms = wallMs() - start, cpuUsed = cpuNs() - cpu;
    qsort(took, messages, sizeof *took, compare);
    printf("{\"ms\":%f,\"cpuNs\":%f,\"p50Us\":%f,\"p99Us\":%f}\n", ms, cpuUsed / messages, took[messages / 2], took[messages * 99 / 100]);
    free(took);
}

// On a connection of its own that has no server.
static void appendTask(const char *url, const char *task)
{
    int messages = numberOf(task, "messages"), bytes = numberOf(task, "bytes"), pool = numberOf(task, "batch");
    if (numberOf(task, "warmUp") > 0)
    {
        natsConnection *warm = open(url, true);
        publishAll(warm, numberOf(task, "warmUp"), bytes, pool);
        natsConnection_Destroy(warm);
    }
    natsConnection *nc = open(url, true);
    long before = residentBytes();
    double cpu = cpuNs(), start = wallMs();
    publishAll(nc, messages, bytes, pool);
    double ms = wallMs() - start, cpuUsed = cpuNs() - cpu;
    long grown = residentBytes() - before;
    natsStatistics *counts = NULL;
    uint64_t taken = 0;
    check(natsStatistics_Create(&counts), "statistics");
    check(natsConnection_GetStats(nc, counts), "statistics");
    check(natsStatistics_GetCounts(counts, NULL, NULL, &taken, NULL, NULL), "statistics");
    natsStatistics_Destroy(counts);
    if (taken != (uint64_t)messages)
    {
        fprintf(stderr, "took %lu of %d messages\n", (unsigned long)taken, messages);
        exit(1);
    }
    printf("{\"ms\":%f,\"cpuNs\":%f,\"rssBytes\":%ld}\n", ms, cpuUsed / messages, grown);
    natsConnection_Destroy(nc);
}

int main(int count, char **arguments)
{
    if (count < 2)
        return 2;
    const char *from = strstr(arguments[1], "\"url\":\"");
    if (from == NULL)
        return 2;
    char *url = strdup(from + strlen("\"url\":\""));
    *strchr(url, '"') = 0;
    bool down = strstr(arguments[1], "\"down\":true") != NULL;
    natsConnection *nc = down ? NULL : open(url, false);
    char task[4096];
    while (fgets(task, sizeof task, stdin) != NULL)
    {
        if (has(task, "kind", "publish"))
            publishTask(nc, task);
        else if (has(task, "kind", "roundTrip"))
            roundTripTask(nc, task);
        else if (has(task, "kind", "append"))
            appendTask(url, task);
        else
            return 3;
        fflush(stdout);
    }
    natsConnection_Destroy(nc);
    nats_Close();
    free(url);
    return 0;
}
