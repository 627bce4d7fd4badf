import { Argument, Command, type CommandUnknownOpts, type Option } from "@commander-js/extra-typings";
import { contextNames } from "../connection/context-file.ts";
import { completionScripts, type Shell, shells } from "./completion-scripts.ts";

/** What may stand in a place: words with what they mean, or the name of a file, which the shell completes itself. */
export type Completions = readonly (readonly [word: string, meaning: string])[] | "files";

/** The command `complete`, which prints the script for a shell. What the script asks is `complete -- WORDS`. */
export function completeCommand(root: CommandUnknownOpts): CommandUnknownOpts {
  return new Command("complete")
    .description("Print a script that completes commands and options in your shell.")
    .addArgument(new Argument("<shell>", "your shell").choices(shells))
    .addHelpText("after", afterOptions)
    .action((shell: Shell) => void process.stdout.write(completionScripts[shell](root.name())));
}

/** The words of `holdfast complete -- WORDS`, the last of which is to be completed; null for any other command line. */
export function completionRequest(argv: readonly string[]): readonly string[] | null {
  return argv[0] === "complete" && argv[1] === "--" ? argv.slice(2) : null;
}

/** One word a line, its meaning behind a tab; the line `:files` alone for the name of a file. */
export function printed(completions: Completions): string {
  if (completions === "files") return ":files\n";
  return completions.map(([word, meaning]) => `${word}\t${meaning}\n`).join("");
}

/** What the last word may become. `words`: all behind the program's name. */
export function completionsFor(root: CommandUnknownOpts, words: readonly string[]): Completions {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? "";
  if (before.includes("--")) return [];
  const command = commandIn(root, before) ?? root;
  const options = command.createHelp().visibleOptions(command);
  const option = options.find((each) => takesValue(each) && [each.long, each.short].includes(optionBefore(before)));
  if (option !== undefined) return valuesOf(option, current);
  if (current.startsWith("-")) return optionsBeginning(options, current);
  if (command.commands.length > 0)
    return beginning(
      current,
      command.commands.map((each) => [each.name(), each.summary() || each.description()]),
    );
  return beginning(
    current,
    command.registeredArguments.flatMap(({ argChoices }) => (argChoices ?? []).map((choice) => [choice, ""])),
  );
}

const afterOptions = `
Examples:
  source <(holdfast complete bash)                       for this session; in ~/.bashrc for all
  source <(holdfast complete zsh)                        in ~/.zshrc, behind compinit
  holdfast complete fish > ~/.config/fish/completions/holdfast.fish`;

/** The command that the words name, or the command of that command. */
function commandIn(root: CommandUnknownOpts, words: readonly string[]): CommandUnknownOpts | undefined {
  const at = words.findIndex((each) => !each.startsWith("-"));
  const word = words[at];
  const found = root.commands.find((each) => word !== undefined && (each.name() === word || each.aliases().includes(word)));
  return found === undefined ? undefined : (commandIn(found, words.slice(at + 1)) ?? found);
}

/** bash makes three words of `--option=value`. */
function optionBefore(before: readonly string[]): string {
  const last = before.at(-1) ?? "";
  return last === "=" ? (before.at(-2) ?? "") : last;
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function valuesOf(option: Option, current: string): Completions {
  if (/<file>/.test(option.flags)) return "files";
  const values = option.long === "--context" ? contextNames() : (option.argChoices ?? []);
  return beginning(
    current,
    values.map((value) => [value, ""]),
  );
}

function optionsBeginning(options: readonly Option[], current: string): Completions {
  return beginning(
    current,
    options.flatMap((option) =>
      [option.long, option.short].flatMap((flag) => (flag ? [[flag, option.description] as const] : [])),
    ),
  );
}

function beginning(start: string, all: readonly (readonly [string, string])[]): Completions {
  return all.filter(([word]) => word.startsWith(start));
}
