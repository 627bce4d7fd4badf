import { get } from "node:http";

/** A JSON object as a server's monitoring endpoint answers it. */
export type MonitorReport = Readonly<Record<string, unknown>>;

/**
 * Reads one page of a server's monitoring port, such as `/varz` or `/connz?subs=1`. Rejects when the answer is not a JSON object.
 */
export function readMonitor(host: string, port: number, path: string): Promise<MonitorReport> {
  return new Promise((resolve, reject) => {
    // No agent: a kept-alive connection would outlive the request.
    const request = get({ host, port, path, agent: false, timeout: 10_000 }, (response) => {
      const parts: string[] = [];
      response.setEncoding("utf8");
      response.on("data", (part: string) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        try {
          resolve(decodeReport(parts.join("")));
        } catch (cause) {
          reject(new Error(`the monitoring page ${path} answered ${response.statusCode} without a JSON object`, { cause }));
        }
      });
    });
    request.on("timeout", () => request.destroy(new Error(`the monitoring page ${path} did not answer within 10 s`)));
    request.on("error", reject);
  });
}

function decodeReport(text: string): MonitorReport {
  const report: unknown = JSON.parse(text);
  if (typeof report !== "object" || report === null || Array.isArray(report))
    throw new TypeError(`not an object: ${text.slice(0, 200)}`);
  return Object.fromEntries(Object.entries(report));
}
