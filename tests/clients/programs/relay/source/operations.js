// What the compiler reads: a board as a component would declare it, and what is done on it.
import { graphql } from 'relay-runtime';

export const board = graphql`
  query operationsBoardQuery($id: ID!) {
    project(id: $id) {
      ...operationsBoard_project
    }
  }
`;

export const project = graphql`
  fragment operationsBoard_project on Project
  @refetchable(queryName: "operationsBoardPageQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" }) {
    name
    tasks(first: $count, after: $cursor) @connection(key: "Board_tasks") {
      edges {
        node {
          id
          title
          status
        }
      }
    }
  }
`;

export const create = graphql`
  mutation operationsCreateMutation($input: TaskCreateInput!, $connections: [ID!]!) {
    taskCreate(input: $input) {
      taskEdge @appendEdge(connections: $connections) {
        node {
          id
          title
          status
        }
      }
      errors {
        code
      }
    }
  }
`;

export const remove = graphql`
  mutation operationsDeleteMutation($input: DeleteInput!, $connections: [ID!]!) {
    taskDelete(input: $input) {
      deletedId @deleteEdge(connections: $connections)
      errors {
        code
      }
    }
  }
`;

export const changes = graphql`
  subscription operationsChangesSubscription($after: SyncCursor) {
    changes(after: $after) {
      kind
      entity {
        ... on Task {
          title
        }
      }
    }
  }
`;
