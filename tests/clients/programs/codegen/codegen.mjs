// What graphql-codegen is asked for: typed documents of the operations, and their manifest.
export default {
  schema: '../../../../schema/schema.graphql',
  documents: 'operations.ts',
  ignoreNoDocuments: false,
  generates: {
    './generated/': {
      preset: 'client',
      presetConfig: { persistedDocuments: true },
      config: {
        strictScalars: true,
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: {
          Base64: 'string',
          Date: 'string',
          DateTime: 'string',
          JSON: 'unknown',
          Markdown: 'string',
          SyncCursor: 'string',
          TimeZone: 'string',
          URL: 'string',
          UUID: 'string',
        },
      },
    },
  },
};
