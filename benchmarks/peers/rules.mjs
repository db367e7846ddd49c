// json-rules-engine, spoken to line by line: first {"rules", "reports"}, answered with the rules that fired for each
// report; then, for each empty line, one pass over all reports, answered with {"seconds"} of processor time.

import { createInterface } from "node:readline";
import { Engine } from "json-rules-engine";

// The parsed rules are kept; what is open is no fact, and makes no condition true.
function load({ rules, facts }) {
  const engine = new Engine([], { allowUndefinedFacts: true });
  for (const { id, conditions, infers, priority } of rules) {
    const onSuccess = infers && ((event, almanac) => almanac.addFact(infers, true));
    engine.addRule({ conditions, priority, event: { type: id }, name: id, ...(onSuccess && { onSuccess }) });
  }
  return engine;
}

const lines = createInterface({ input: process.stdin });
let engine, reports;
for await (const line of lines) {
  if (line) {
    const asked = JSON.parse(line);
    engine = load(asked);
    reports = asked.reports;
    const fired = [];
    for (const report of reports) fired.push((await engine.run(report)).events.map((event) => event.type));
    console.log(JSON.stringify({ fired }));
  } else {
    const begun = process.cpuUsage();
    for (const report of reports) await engine.run(report);
    const { user, system } = process.cpuUsage(begun);
    console.log(JSON.stringify({ seconds: (user + system) / 1e6 }));
  }
}
