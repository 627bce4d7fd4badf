/**
 * A reporter for `node --test`: one JSON line for each test that ended, for scripts that want to know what ran (scripts/shared/test-results.ts
 * reads it). It stands beside the reporter that people read, with a file of its own. No TypeScript: Node 20 loads reporters without tsx.
 */
export default async function* testResults(events) {
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const { name, file, skip, todo } = data;
    yield `${JSON.stringify({ type, name, file, skip, todo })}\n`;
  }
}
