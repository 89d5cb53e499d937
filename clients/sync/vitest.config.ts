import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@pantherahive/source'] },
  ssr: { resolve: { conditions: ['@pantherahive/source'] } },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['../typescript/tests/support/server.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
})
