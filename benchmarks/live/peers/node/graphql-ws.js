// graphql-ws over ws, with graphql-redis-subscriptions. Environment: PORT, VALKEY_PORT, CHANNEL. Nobody's token is looked at.

import { buildSchema } from "graphql";
import { RedisPubSub } from "graphql-redis-subscriptions";
import { useServer } from "graphql-ws/use/ws";
import { Redis } from "ioredis";
import { WebSocketServer } from "ws";

import { typeDefs } from "./graph.js";

const { PORT, VALKEY_PORT, CHANNEL } = process.env;
const redis = () => new Redis({ host: "127.0.0.1", port: Number(VALKEY_PORT) });
const pubsub = new RedisPubSub({ publisher: redis(), subscriber: redis() });
const schema = buildSchema(typeDefs);
const changes = schema.getSubscriptionType().getFields().changes;
changes.subscribe = () => pubsub.asyncIterator(CHANNEL);
changes.resolve = (change) => change;

useServer({ schema }, new WebSocketServer({ port: Number(PORT), host: "127.0.0.1", path: "/graphql" }));
