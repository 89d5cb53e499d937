/// What the server tells the page about itself.

export interface Person {
  name: string
  email: string
  password: string
}

export interface Config {
  endpoint: string
  subscriptionEndpoint: string
  title: string
  /** People of the demo, in development only: the page signs in as the first by itself, the others are one click away. */
  people: Person[]
  /** The authorization server of the page, and the client that the page is; null where it has none. */
  oauth: { issuer: string; clientId: string } | null
}

export async function loadConfig(): Promise<Config> {
  const response = await fetch('graphiql/config.json', { headers: { accept: 'application/json' } })
  if (!response.ok) throw new Error(`The server answered ${response.status} for graphiql/config.json.`)
  return (await response.json()) as Config
}
