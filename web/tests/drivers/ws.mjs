// A WebSocket client in Node, for tests in another language: `ws` as it comes, by lines of JSON.
// In: {"send": message}, {"pause": true}, {"pause": false}. Out: what the server says, and {"type": "closed", "code"}.
import { createInterface } from "node:readline";
import WebSocket from "ws";

const { url, protocols } = JSON.parse(process.argv[2]);
const socket = new WebSocket(url, protocols);
const print = (text) => process.stdout.write(`${text}\n`);

socket.on("message", (data) => print(data.toString()));
socket.on("close", (code) => print(JSON.stringify({ type: "closed", code })));
socket.on("error", () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const { send, pause } = JSON.parse(line);
  if (send) socket.send(JSON.stringify(send));
  if (pause === true) socket.pause();
  if (pause === false) socket.resume();
}
process.exit(0);
