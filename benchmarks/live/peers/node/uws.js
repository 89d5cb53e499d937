// uWebSockets and nothing above it: what Valkey publishes is sent to every subscriber under the id of their operation. No GraphQL, no
// rights, no bounds. Environment: PORT, VALKEY_PORT, CHANNEL.

import uWS from "@trufflesuite/uws-js-unofficial";
import { Redis } from "ioredis";

const { PORT, VALKEY_PORT, CHANNEL } = process.env;
const subscribers = new Map(); // what begins each of their frames
const text = new TextDecoder();

const behavior = {
  upgrade(response, request, context) {
    const header = (name) => request.getHeader(name);
    const protocol = header("sec-websocket-protocol");
    response.upgrade({}, header("sec-websocket-key"), protocol, header("sec-websocket-extensions"), context);
  },
  message(socket, message) {
    const { type, id } = JSON.parse(text.decode(message));
    if (type === "connection_init") socket.send('{"type":"connection_ack"}');
    else if (type === "ping") socket.send('{"type":"pong"}');
    else if (type === "subscribe") subscribers.set(socket, `{"id":${JSON.stringify(id)},"type":"next","payload":{"data":{"changes":`);
    else if (type === "complete") subscribers.delete(socket);
  },
  close: (socket) => subscribers.delete(socket),
};

const redis = new Redis({ host: "127.0.0.1", port: Number(VALKEY_PORT) });
redis.on("message", (_, change) => {
  for (const [socket, head] of subscribers) socket.send(`${head}${change}}}}`);
});
await redis.subscribe(CHANNEL);
uWS.App().ws("/graphql", behavior).listen("127.0.0.1", Number(PORT), () => {});
