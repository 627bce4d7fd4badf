import { Option } from "@commander-js/extra-typings";
import type { OptionTaker } from "../cli/option-taker.ts";
import { duration, several, size, wholeNumber } from "../cli/values.ts";
import { whenFullChoices } from "./options.ts";

const most = Number.MAX_SAFE_INTEGER;

/** Adds the options of `pub`, in groups, as they stand in its help. What they give is read by `readPubOptions()`. */
export function addPubOptions(command: OptionTaker): void {
  for (const [group, options] of groups()) {
    command.optionsGroup(group);
    for (const option of options) command.addOption(option);
  }
}

function groups(): readonly (readonly [string, readonly Option[]])[] {
  return [
    ["What is published:", whatOptions()],
    ["Buffer:", bufferOptions()],
    ["Delivery:", deliveryOptions()],
    ["What is told:", tellingOptions()],
  ];
}

function whatOptions(): Option[] {
  return [
    new Option("-f, --file <file>", "publish the content of a file, - for standard input; may be given several times").argParser(
      several,
    ),
    new Option("--send-on <when>", "a file or standard input is one message (eof), or each line is one (newline)")
      .choices(["eof", "newline"])
      .default("eof"),
    new Option("-l, --lines", "each line is a message: --send-on newline"),
    new Option(
      "--from <file>",
      "publish what --undelivered or `sub --json` wrote, with subjects, headers and reply from the file",
    ),
    new Option("-H, --header <name:value>", "add a header; may be given several times").argParser(several),
    new Option("--reply <subject>", "reply subject"),
    new Option("--count <n>", "publish each message so many times").argParser(wholeNumber(1, most)).default(1),
    new Option("--rate <n>", "messages a second (default: as fast as it goes)").argParser(wholeNumber(1, 1_000_000)),
    new Option("--sleep <duration>", "time between two messages, in place of --rate").argParser(duration(1)),
    new Option("--no-templates", "publish {{Count}} and the like as they are"),
    new Option("--force-stdin", "read standard input also when it is a terminal"),
  ];
}

function bufferOptions(): Option[] {
  return [
    new Option("--buffer-bytes <size>", "how much may be held, connected or not")
      .argParser(size(1, most))
      .default(8 * 1024 * 1024, "8MiB"),
    new Option("--buffer-messages <n>", "how many messages may be held (default: any number)").argParser(wholeNumber(1, most)),
    new Option("--max-age <duration>", "messages that waited longer expire (default: never)").argParser(duration(1)),
    new Option("--when-full <what>", "when the buffer is full: wait, end with an error, or drop")
      .choices(whenFullChoices)
      .default("wait"),
    new Option("--no-buffer", "hold nothing while there is no connection"),
    new Option(
      "--backlog-delay <duration>",
      "wait so long after a reconnect before sending what was held (default: 0)",
    ).argParser(duration(0)),
  ];
}

function deliveryOptions(): Option[] {
  return [
    new Option("--at-least-once", "send again what was in flight when a connection ended; it may then arrive twice"),
    new Option("--msg-id", "give each message a Nats-Msg-Id, by which a stream drops a second copy"),
    new Option("-J, --jetstream", "wait until a stream has stored each message, once; each gets a Nats-Msg-Id"),
    new Option("--max-in-flight <size>", "what may be unconfirmed, and so in doubt, at most (default: 8MiB)").argParser(
      size(65_536, 1024 ** 3),
    ),
    new Option("--stall-timeout <duration>", "a connection silent for so long is given up, 0 for never (default: 10s)").argParser(
      duration(0),
    ),
    new Option("--reconnect-time-wait <duration>", "time between two attempts to reconnect (default: 2s)").argParser(duration(0)),
    new Option("--retry-on-failed-connect", "hold messages also when there is no server at the start"),
    new Option(
      "--flush-timeout <duration>",
      "how long to wait at the end for what is held (default: as long as it takes)",
    ).argParser(duration(0)),
    new Option("--grace <duration>", "how long to go on sending what is held after Ctrl-C")
      .argParser(duration(0))
      .default(5_000, "5s"),
  ];
}

function tellingOptions(): Option[] {
  return [
    new Option("--undelivered <file>", "write what was not delivered as lines of JSON, for --from"),
    new Option("--no-progress", "no progress on standard error"),
    new Option("-q, --quiet", "nothing but errors"),
    new Option("--json", "print the report as a JSON object on standard output"),
  ];
}
