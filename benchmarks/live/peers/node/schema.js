// An executable schema whose subscribers each follow what Redis publishes. Environment: VALKEY_PORT, CHANNEL.

import { buildSchema } from "graphql";
import { RedisPubSub } from "graphql-redis-subscriptions";
import { Redis } from "ioredis";

import { typeDefs } from "./graph.js";

const { VALKEY_PORT, CHANNEL } = process.env;
const redis = () => new Redis({ host: "127.0.0.1", port: Number(VALKEY_PORT) });
const pubsub = new RedisPubSub({ publisher: redis(), subscriber: redis() });

export const schema = buildSchema(typeDefs);
const changes = schema.getSubscriptionType().getFields().changes;
changes.subscribe = () => pubsub.asyncIterator(CHANNEL);
changes.resolve = (change) => change;
