// Builds the dashboard into the folder given, or into built/: the same bytes from the same sources and lock file.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "built"));
await mkdir(out, { recursive: true });

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  // The licences stand in a file of their own, which the page names.
  legalComments: "none",
  charset: "utf8",
  target: ["chrome123", "firefox128", "safari17.5"],
  logLevel: "warning",
};
await build({
  ...common,
  entryPoints: ["source/main.tsx"],
  outfile: join(out, "dashboard.js"),
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
});
await build({ ...common, entryPoints: ["source/dashboard.css"], outfile: join(out, "dashboard.css") });
await copyFile(join(here, "source/index.html"), join(out, "index.html"));
await copyFile(join(here, "source/icon.svg"), join(out, "icon.svg"));

const parts = ["The dashboard's script and style contain these packages.\n"];
for (const name of ["preact", "uplot"]) {
  const folder = join(here, "node_modules", name);
  const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const licence = await readFile(join(folder, "LICENSE"), "utf8");
  parts.push(`${name} ${version}, https://www.npmjs.com/package/${name}\n\n${licence.trim()}\n`);
}
await writeFile(join(out, "licences.txt"), parts.join("\n" + "-".repeat(72) + "\n\n"));
