// Mercurius' own subscriptions with its emitter, fed from Redis. Environment: PORT, VALKEY_PORT, CHANNEL. Nobody's token is looked at.
// mqemitter-redis would decode every message with msgpack and keep the ids of the last minute; this costs less.

import Fastify from "fastify";
import { Redis } from "ioredis";
import mercurius from "mercurius";
import mqemitter from "mqemitter";

import { typeDefs } from "./graph.js";

const { PORT, VALKEY_PORT, CHANNEL } = process.env;
const emitter = mqemitter();
const redis = new Redis({ host: "127.0.0.1", port: Number(VALKEY_PORT) });
redis.on("message", (topic, text) => emitter.emit({ topic: "changes", payload: JSON.parse(text) }));
await redis.subscribe(CHANNEL);

const app = Fastify({ logger: false });
app.register(mercurius, {
  schema: typeDefs,
  resolvers: {
    Subscription: {
      changes: { subscribe: (root, given, { pubsub }) => pubsub.subscribe("changes"), resolve: (change) => change },
    },
  },
  jit: 1,
  subscription: { emitter, fullWsTransport: true },
});
await app.listen({ port: Number(PORT), host: "127.0.0.1" });
