// Calls each function that the program exports, each in a new instance, since one that has panicked is of no
// further use. Prints the results as Rust's test harness does.

import { readFile } from "node:fs/promises";
import { argv, exit } from "node:process";

const module = await WebAssembly.compile(await readFile(argv[2]));
const names = WebAssembly.Module.exports(module)
    .filter(({ kind, name }) => kind === "function" && /^(works|panics)_/.test(name))
    .map(({ name }) => name);
let failed = 0;
for (const name of names) {
    const { exports } = await WebAssembly.instantiate(module, {});
    const text = (which) => {
        const [at, length] = [exports[`${which}_at`](), exports[`${which}_length`]()];
        return new TextDecoder().decode(new Uint8Array(exports.memory.buffer, at, length));
    };
    let problem = null;
    exports.prepare();
    try {
        exports[name]();
        if (name.startsWith("panics_")) {
            problem = "no panic";
        }
    } catch (error) {
        const panic = text("panic") || String(error);
        if (name.startsWith("works_") || !panic.includes(text("expected"))) {
            problem = panic;
        } else {
            console.log(`${name}: ${panic}`);
        }
    }
    failed += problem === null ? 0 : 1;
    console.log(`test ${name} ... ${problem === null ? "ok" : "FAILED"}`);
    if (problem !== null) {
        console.log(problem);
    }
}
const verdict = failed === 0 ? "ok" : "FAILED";
console.log(`test result: ${verdict}. ${names.length - failed} passed; ${failed} failed; 0 ignored`);
exit(failed === 0 ? 0 : 1);
