/** What a client has to know of the graph at run time. Written by scripts/schema.mjs from schema/schema.graphql. */

/** The scalars of the graph, for `scalars` of gql.tada's `initGraphQLTada`. */
export interface Scalars {
  Base64: string
  Date: string
  DateTime: string
  JSON: unknown
  Markdown: string
  SyncCursor: string
  URL: string
  UUID: string
}

/** The same for `scalars` of graphql-codegen's configuration. */
export const scalarTypes: Readonly<Record<keyof Scalars, string>> = {
  Base64: 'string',
  Date: 'string',
  DateTime: 'string',
  JSON: 'unknown',
  Markdown: 'string',
  SyncCursor: 'string',
  URL: 'string',
  UUID: 'string',
}

/** The types behind interfaces and unions, for Apollo's `InMemoryCache`. */
export const possibleTypes: Readonly<
  Record<'Discussable' | 'DocumentEvent' | 'Entity' | 'MutationPayload' | 'Node' | 'Searchable' | 'UserError', string[]>
> = {
  Discussable: ['Document', 'Task'],
  DocumentEvent: [
    'DocumentAccessChanged',
    'DocumentEdited',
    'DocumentPresenceChanged',
    'DocumentSynced',
    'DocumentVersionSaved',
  ],
  Entity: ['Comment', 'Document', 'Label', 'OAuthClient', 'Project', 'Task', 'Team', 'Template', 'User', 'Webhook'],
  MutationPayload: [
    'ApiTokenPayload',
    'AttachmentPayload',
    'BasicPayload',
    'CommentPayload',
    'DeletePayload',
    'DocumentPayload',
    'DocumentSyncPayload',
    'FactorPayload',
    'JobPayload',
    'LabelPayload',
    'MailPayload',
    'NotificationsPayload',
    'OAuthClientPayload',
    'PasskeyRequestPayload',
    'ProjectPayload',
    'PushDevicePayload',
    'SessionPayload',
    'ShareLinkPayload',
    'TaskPayload',
    'TasksPayload',
    'TeamPayload',
    'TemplatePayload',
    'TemplateUsePayload',
    'UndoPayload',
    'UploadPayload',
    'UserPayload',
    'WebhookPayload',
  ],
  Node: [
    'Activity',
    'ApiToken',
    'Attachment',
    'AuditEntry',
    'Change',
    'Comment',
    'Document',
    'DocumentVersion',
    'ExternalIdentity',
    'Factor',
    'Invitation',
    'Job',
    'Label',
    'Notification',
    'OAuthClient',
    'Project',
    'PushDevice',
    'Session',
    'ShareLink',
    'Task',
    'TaskLink',
    'Team',
    'Template',
    'User',
    'Webhook',
    'WebhookDelivery',
  ],
  Searchable: ['Comment', 'Document', 'Project', 'Task', 'Team', 'User'],
  UserError: ['ConflictError', 'ForbiddenError', 'LimitError', 'NotFoundError', 'ValidationError'],
}

/** Codes of errors. */
export const errorCodes = [
  'UNAUTHENTICATED',
  'TOKEN_EXPIRED',
  'REAUTHENTICATION_REQUIRED',
  'SECOND_FACTOR_REQUIRED',
  'INSUFFICIENT_SCOPE',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_USER_INPUT',
  'REQUIRED',
  'INVALID',
  'TOO_LONG',
  'NOT_UNIQUE',
  'CYCLE',
  'CONFLICT',
  'NOT_UNDOABLE',
  'IDEMPOTENCY_MISMATCH',
  'LIMIT_EXCEEDED',
  'RATE_LIMITED',
  'QUERY_TOO_COMPLEX',
  'QUERY_TOO_DEEP',
  'PAGE_TOO_LARGE',
  'ANSWER_TOO_LARGE',
  'CURSOR_INVALID',
  'CURSOR_EXPIRED',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_REQUIRED',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'SERVICE_UNAVAILABLE',
  'STORAGE_UNAVAILABLE',
  'STORAGE_FULL',
  'OVERLOADED',
  'SUBSCRIPTION_LAGGED',
  'INTERNAL',
] as const satisfies readonly string[]

export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'TOKEN_EXPIRED'
  | 'REAUTHENTICATION_REQUIRED'
  | 'SECOND_FACTOR_REQUIRED'
  | 'INSUFFICIENT_SCOPE'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'REQUIRED'
  | 'INVALID'
  | 'TOO_LONG'
  | 'NOT_UNIQUE'
  | 'CYCLE'
  | 'CONFLICT'
  | 'NOT_UNDOABLE'
  | 'IDEMPOTENCY_MISMATCH'
  | 'LIMIT_EXCEEDED'
  | 'RATE_LIMITED'
  | 'QUERY_TOO_COMPLEX'
  | 'QUERY_TOO_DEEP'
  | 'PAGE_TOO_LARGE'
  | 'ANSWER_TOO_LARGE'
  | 'CURSOR_INVALID'
  | 'CURSOR_EXPIRED'
  | 'PERSISTED_QUERY_NOT_FOUND'
  | 'PERSISTED_QUERY_REQUIRED'
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'SERVICE_UNAVAILABLE'
  | 'STORAGE_UNAVAILABLE'
  | 'STORAGE_FULL'
  | 'OVERLOADED'
  | 'SUBSCRIPTION_LAGGED'
  | 'INTERNAL'
