/// Formats an operation; Prettier keeps its comments. Loaded when it is first asked for.
import * as graphqlPlugin from 'prettier/plugins/graphql'
import { format } from 'prettier/standalone'

/** Throws what is wrong with the text. */
export async function prettify(query: string): Promise<string> {
  return (await format(query, { parser: 'graphql', plugins: [graphqlPlugin] })).trimEnd()
}
