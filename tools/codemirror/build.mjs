// Makes the one file that is served, its licences and its checksums. `npm ci` first; the lock file says what goes in.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const version = JSON.parse(readFileSync("node_modules/codemirror/package.json", "utf8")).version;
const into = `../../service/static/vendor/codemirror-${version}`;
rmSync(into, { recursive: true, force: true });
mkdirSync(into, { recursive: true });

const made = await build({
  entryPoints: ["entry.mjs"],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "CodeMirror",
  target: "es2022",
  legalComments: "none",
  metafile: true,
  outfile: `${into}/codemirror.min.js`,
});

const names = new Set();
for (const path of Object.keys(made.metafile.inputs)) {
  const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
  if (found) names.add(found[1]);
}
const licences = [...names].sort().map((name) => {
  const folder = `node_modules/${name}`;
  const own = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  return `${name} ${own.version} (${own.license})\n\n${file ? readFileSync(`${folder}/${file}`, "utf8").trim() : ""}\n`;
});
writeFileSync(`${into}/LICENSE`, licences.join("\n----\n\n"));

const sums = ["LICENSE", "codemirror.min.js"].map(
  (name) => `${createHash("sha256").update(readFileSync(`${into}/${name}`)).digest("hex")}  ${name}\n`,
);
writeFileSync(`${into}/SHA256SUMS`, sums.join(""));
