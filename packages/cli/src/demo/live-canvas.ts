import { styleText } from "node:util";

/** The terminal as far as the view cares. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly hasColours: boolean;
}

export type Look = "green" | "yellow" | "red" | "bold";

/** What lines are made for. */
export interface Canvas {
  readonly width: number;
  readonly hasColours: boolean;
  /** The text with a look, where there are colours; its width stays what it is. */
  paint(look: Look | null, text: string): string;
}

export function canvasOf({ columns, hasColours }: Screen): Canvas {
  return {
    // The last column stays free: some terminals begin a new line behind it.
    width: Math.max(1, columns - 1),
    hasColours,
    // The screen is not standard output, which newer Nodes would look at.
    paint: (look, text) => (hasColours && look !== null ? styleText(look, text, { validateStream: false }) : text),
  };
}

/** Text that is too long ends in an ellipsis. */
export function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
