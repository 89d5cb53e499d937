/** Typed by graphql-codegen's client preset: this file need not run, it must type-check. */
import { createClient, succeeded } from '../../src/index.ts'
import { graphql } from './generated/codegen/gql.ts'
import type { ErrorCode } from '../../src/schema.ts'

const hive = createClient({ url: 'https://hive.example.com' })

const TASKS = graphql(`
  query Tasks($first: Int!) {
    tasks(first: $first) {
      nodes {
        id
        title
        createdAt
      }
    }
  }
`)
const RENAME = graphql(`
  mutation Rename($input: TaskUpdateInput!) {
    taskUpdate(input: $input) {
      task {
        id
        version
      }
      errors {
        code
        message
        path
      }
    }
  }
`)

export async function newest(): Promise<string[]> {
  const { tasks } = await hive.request(TASKS, { first: 3 })
  return (tasks?.nodes ?? []).map(({ title, createdAt }) => `${title} of ${createdAt.slice(0, 10)}`)
}

export async function rename(id: string, title: string): Promise<number | undefined> {
  const { taskUpdate } = await hive.request(RENAME, { input: { id, title } })
  const code: ErrorCode | undefined = taskUpdate?.errors[0]?.code
  void code
  return succeeded(taskUpdate).task?.version
}

export async function refused(): Promise<void> {
  // @ts-expect-error: how many is needed
  await hive.request(TASKS)
  // @ts-expect-error: a title is text
  await hive.request(RENAME, { input: { id: 'x', title: 3 } })
}
