import type { Option } from "@commander-js/extra-typings";

/** A command to which options are added in groups, whatever arguments and options it has already. */
export interface OptionTaker {
  addOption(option: Option): unknown;
  optionsGroup(heading: string): unknown;
}
