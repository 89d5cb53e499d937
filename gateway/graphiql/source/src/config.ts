/// What the server tells the page about itself.

export interface SignIn {
  email: string
  password: string
}

export interface Config {
  endpoint: string
  subscriptionEndpoint: string
  title: string
  /** Given in development mode only: the page signs in with it by itself. */
  demo: SignIn | null
}

export async function loadConfig(): Promise<Config> {
  const response = await fetch('graphiql/config.json', { headers: { accept: 'application/json' } })
  if (!response.ok) throw new Error(`The server answered ${response.status} for graphiql/config.json.`)
  return (await response.json()) as Config
}
