// What graphql-codegen is asked for; `scalars` are those that the package ships.
import { scalarTypes } from '../../dist/schema.js'

export default {
  schema: '../../../../schema/schema.graphql',
  documents: 'codegen.ts',
  importExtension: '.ts',
  generates: {
    './generated/codegen/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: { strictScalars: true, useTypeImports: true, enumsAsTypes: true, scalars: scalarTypes },
    },
  },
}
