/// An operation as text that runs elsewhere: in a shell, in a browser, with Apollo Client or urql.
import { print, separateOperations } from 'graphql'
import { operationsIn, parseDocument, toJson } from '../documents'
import type { Format } from './formats'

export interface Source {
  /** The graph's full address. */
  endpoint: string
  kind: 'query' | 'mutation' | 'subscription'
  query: string
  operationName: string | null
  variables: Record<string, unknown>
  headers: Record<string, string>
}

export function snippet(format: Format, source: Source): string {
  const reduced = { ...source, query: only(source.query, source.operationName).trim() }
  return { curl, fetch: fetchCall, apollo, urql }[format](reduced)
}

/** The one operation with its fragments, since clients take documents with one operation. */
function only(query: string, operationName: string | null): string {
  const document = parseDocument(query)
  if (!document || operationsIn(document).length < 2) return query
  const operation = separateOperations(document)[operationName ?? '']
  return operation ? print(operation) : query
}

function curl({ endpoint, kind, query, variables, headers }: Source): string {
  const sent = { ...headers, 'content-type': 'application/json', ...accept(kind) }
  return [
    `curl ${kind === 'subscription' ? '--no-buffer ' : ''}${shellQuoted(endpoint)}`,
    ...Object.entries(sent).map(([name, value]) => `  --header ${shellQuoted(`${name}: ${value}`)}`),
    `  --data-raw ${shellQuoted(JSON.stringify({ query, variables }))}`,
  ].join(' \\\n')
}

function fetchCall({ endpoint, kind, query, variables, headers }: Source): string {
  const sent = { ...headers, 'content-type': 'application/json', ...accept(kind) }
  const read =
    kind === 'subscription'
      ? 'for await (const text of response.body.pipeThrough(new TextDecoderStream())) {\n  console.log(text);\n}'
      : 'console.log(await response.json());'
  return `const query = ${template(query)};

const response = await fetch(${JSON.stringify(endpoint)}, {
  method: "POST",
  headers: ${indented(toJson(sent))},
  body: JSON.stringify({ query, variables: ${indented(toJson(variables))} }),
});
${read}
`
}

function apollo({ endpoint, kind, query, variables, headers }: Source): string {
  const options = (name: string) => `{
  ${name}: gql${template(query)},
  variables: ${indented(toJson(variables))},
}`
  const call = {
    query: `const { data } = await client.query(${options('query')});\nconsole.log(data);`,
    mutation: `const { data } = await client.mutate(${options('mutation')});\nconsole.log(data);`,
    subscription: `client.subscribe(${options('query')}).subscribe(({ data }) => console.log(data));`,
  }[kind]
  return `import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";

const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new HttpLink({
    uri: ${JSON.stringify(endpoint)},
    headers: ${indented(toJson(headers), 2)},
  }),
});

${call}
`
}

function urql({ endpoint, kind, query, variables, headers }: Source): string {
  const values = `gql${template(query)}, ${toJson(variables)}`
  const call =
    kind === 'subscription'
      ? `client.subscription(${values}).subscribe(({ data, error }) => console.log(data ?? error));`
      : `const { data, error } = await client.${kind}(${values}).toPromise();\nconsole.log(data ?? error);`
  const streams = kind === 'subscription' ? '  fetchSubscriptions: true,\n' : ''
  return `import { Client, fetchExchange, gql } from "@urql/core";

const client = new Client({
  url: ${JSON.stringify(endpoint)},
  exchanges: [fetchExchange],
  preferGetMethod: false,
${streams}  fetchOptions: { headers: ${indented(toJson(headers))} },
});

${call}
`
}

function accept(kind: Source['kind']): Record<string, string> {
  return {
    accept: kind === 'subscription' ? 'text/event-stream' : 'application/graphql-response+json, application/json',
  }
}

/** Between single quotes a POSIX shell takes every character but the quote itself as it is. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function template(text: string): string {
  return `\`${text.replace(/[\\`]|\$(?=\{)/g, '\\$&')}\``
}

function indented(text: string, levels = 1): string {
  return text.replaceAll('\n', `\n${'  '.repeat(levels)}`)
}
