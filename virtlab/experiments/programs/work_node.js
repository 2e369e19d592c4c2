// Runs a WebAssembly module in Node's engine: node work_node.js HEX NAME:ARGUMENT,ARGUMENT ...
// Prints what each call returns, a line each; a refusal goes to standard error.
const [hex, ...calls] = process.argv.slice(2);
try {
  const module = new WebAssembly.Module(Buffer.from(hex, "hex"));
  const exported = new WebAssembly.Instance(module, {}).exports;
  for (const call of calls) {
    const [name, words] = call.split(":");
    console.log(String(exported[name](...words.split(",").filter(Boolean).map(Number))));
  }
} catch (refusal) {
  console.error(String(refusal.message).split("\n")[0]);
  process.exit(1);
}
