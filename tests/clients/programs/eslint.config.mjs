// The Relay rules of graphql-eslint over the printed schema.
import { fileURLToPath } from 'node:url';

import { parser, rules } from '@graphql-eslint/eslint-plugin';

const schema = fileURLToPath(new URL('../../../schema/schema.graphql', import.meta.url));

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: { parser, parserOptions: { graphQLConfig: { schema } } },
    plugins: { graphql: { rules } },
    rules: {
      'graphql/relay-arguments': 'error',
      'graphql/relay-connection-types': 'error',
      'graphql/relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false }],
      'graphql/relay-page-info': 'error',
      'graphql/no-unreachable-types': 'error',
      'graphql/no-deprecated': 'off',
      'graphql/require-description': ['error', { types: true, FieldDefinition: true, InputValueDefinition: true, EnumValueDefinition: true }],
      'graphql/unique-type-names': 'off',
      'graphql/no-typename-prefix': 'error',
      'graphql/naming-convention': ['error', { types: 'PascalCase', FieldDefinition: 'camelCase', InputValueDefinition: 'camelCase', EnumValueDefinition: 'UPPER_CASE' }],
      'graphql/input-name': ['error', { checkInputType: true, caseSensitiveInputType: false, checkQueries: false, checkMutations: false }],
    },
  },
];
