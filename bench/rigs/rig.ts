import type { Side } from "../shared/side.ts";
import type { Answer, RespondTask, Setup, Task } from "../shared/tasks.ts";

/** A side that does any task. */
export type TaskSide = Side<Task | RespondTask, Answer>;

/** Servers and what else a row needs around its sides, and how to see that nothing was lost. */
export interface Rig extends AsyncDisposable {
  /** What a side is told; called once for each side. */
  setup(): Promise<Setup>;
  /** One round. Rejects unless all that was published arrived, by the server's own count or the side's. */
  round(side: TaskSide, task: Task, setup: Setup): Promise<Answer>;
  /** Once for each side, before the rounds: looks at the number in every payload. `another` starts the same client with another set-up. */
  check(side: TaskSide, task: Task, setup: Setup, another: (setup: Setup) => TaskSide): Promise<void>;
}
