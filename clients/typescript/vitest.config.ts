import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@pantherahive/source'] },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/server.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One server, two cores: files run one after the other.
    fileParallelism: false,
  },
})
