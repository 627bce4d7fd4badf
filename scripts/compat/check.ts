import type { WrittenTest } from "../shared/find-tests.ts";
import { wrongNames } from "../shared/test-names.ts";
import type { Member } from "./members.ts";
import { switchesOf } from "./switches.ts";
import type { CompatTable } from "./table.ts";
import { TYPE_TEST } from "./type-test.ts";

/** Where a row has no test yet. */
const TODO = "TODO";

/** What is wrong with the table itself, one line each: rows that are missing, superfluous or there twice, links, and names of tests. */
export function checkTable(table: CompatTable, members: readonly Member[], written: readonly WrittenTest[]): string[] {
  return [
    ...table.problems,
    ...wrongRows(table, members),
    ...wrongLinks(table),
    ...wrongNames([...table.differences, ...table.members], written),
  ];
}

function wrongRows({ members: rows, problems }: CompatTable, members: readonly Member[]): string[] {
  const known = new Set(members.map(({ row }) => row));
  const seen = new Set<string>();
  return [
    ...rows.flatMap(({ member, line }) => {
      if (!known.has(member)) return [`line ${line}: nats.js has no ${member}`];
      if (seen.has(member)) return [`line ${line}: ${member} has a row already`];
      seen.add(member);
      return [];
    }),
    ...members
      .filter(({ row }) => !seen.has(row) && !problems.some((problem) => problem.includes(` ${row}: `)))
      .map(({ row }) => `no row for ${row}: | \`${row}\` | same | ${TODO} |`),
  ];
}

/** A link leads to a row of the differences. */
function wrongLinks({ members, differences }: CompatTable): string[] {
  const anchors = differences.map(({ anchor }) => anchor);
  return members.flatMap(({ member, difference, line }) =>
    difference === undefined || anchors.includes(difference)
      ? []
      : [`line ${line}: ${member}: no difference is called ${difference}`],
  );
}

/** A type test stands for what is nothing but a type: what can be switched off has a test that runs. */
export function checkTypeRows({ members: rows }: CompatTable, members: readonly Member[]): string[] {
  const known = new Map(members.map((member) => [member.row, member]));
  return rows.flatMap(({ member: row, typeTest, line }) => {
    const member = known.get(row);
    if (member === undefined) return [];
    const hasSwitch = switchesOf(member).length > 0;
    if (typeTest === undefined) return hasSwitch ? [] : [`line ${line}: ${row} is nothing but a type: "type: ${TYPE_TEST}"`];
    if (hasSwitch) return [`line ${line}: ${row} needs a test that runs`];
    return typeTest === TYPE_TEST ? [] : [`line ${line}: ${row}: the type test is ${TYPE_TEST}, not ${typeTest}`];
  });
}
