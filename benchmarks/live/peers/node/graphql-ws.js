// graphql-ws over ws, with graphql-redis-subscriptions. Environment: PORT, VALKEY_PORT, CHANNEL. Nobody's token is looked at.

import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";

import { schema } from "./schema.js";

useServer({ schema }, new WebSocketServer({ port: Number(process.env.PORT), host: "127.0.0.1", path: "/graphql" }));
