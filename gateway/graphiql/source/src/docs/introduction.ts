/// What a newcomer to the graph should know before reading its types.

export const INTRODUCTION = [
  'One graph over people, teams, projects, tasks and documents. You see what you may see: an object that is not yours is null, as if it did not exist.',
  'Every object has a global `id`. Lists are connections: ask for their `nodes`, and page with `first` and `after`, using the `endCursor` of `pageInfo`.',
  'A mutation takes one `input` and returns a payload. Expected failures are in its `errors`, each with a `code` and the `path` of the input that caused it.',
  'A subscription sends every change once and in order. Pass the `cursor` of the last one as `after` to continue from there.',
]

/** Where to begin, by task. */
export const STARTING_POINTS: readonly { label: string; type: string; field: string }[] = [
  { label: 'Who am I?', type: 'Query', field: 'viewer' },
  { label: 'List projects', type: 'Query', field: 'projects' },
  { label: 'List tasks', type: 'Query', field: 'tasks' },
  { label: 'Find any object by its id', type: 'Query', field: 'node' },
  { label: 'Create a task', type: 'Mutation', field: 'taskCreate' },
  { label: 'Move a task', type: 'Mutation', field: 'taskMove' },
  { label: 'Sign in', type: 'Mutation', field: 'sessionCreate' },
  { label: 'Follow every change', type: 'Subscription', field: 'changes' },
  { label: 'Follow one task', type: 'Subscription', field: 'taskChanged' },
]
