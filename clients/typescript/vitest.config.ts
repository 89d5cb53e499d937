import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@pantherahive/source'] },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/server.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // One server, two cores: files run one after the other.
    fileParallelism: false,
  },
})
