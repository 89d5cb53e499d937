// The same subscription for both servers: what Redis publishes, as it is.

export const typeDefs = `
  type Change { id: ID! kind: String! type: String! entityId: ID! clientMutationId: String at: String! cursor: String }
  input ChangeScope { projectIds: [ID!] }
  type Query { ok: Boolean }
  type Subscription { changes(scope: ChangeScope): Change! }
`;
