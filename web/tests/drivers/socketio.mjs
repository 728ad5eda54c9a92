// A facilitator's page in Node, for tests in another language: socket.io-client as it comes, by lines of JSON.
// In: {"emit": [event, data]}, {"pause": true}, {"pause": false}. Out: {"event", "data"}.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const { url, options } = JSON.parse(process.argv[2]);
const socket = io(url, options);
const say = (event, data) => process.stdout.write(`${JSON.stringify({ event, data })}\n`);

socket.onAny(say);
socket.io.on("open", () => {
  const { engine } = socket.io;
  say("open", { transport: engine.transport.name });
  engine.on("upgrade", (transport) => say("upgrade", { transport: transport.name }));
});
socket.on("connect_error", (error) => say("connect_error", { message: error.message }));
socket.on("disconnect", (reason) => say("disconnect", { reason, active: socket.active }));

for await (const line of createInterface({ input: process.stdin })) {
  const { emit, pause } = JSON.parse(line);
  if (emit) socket.emit(...emit);
  const reading = socket.io.engine?.transport.ws?._socket;
  if (pause === true) reading.pause();
  if (pause === false) reading?.resume();
}
process.exit(0);
