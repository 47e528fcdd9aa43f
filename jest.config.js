/** `unit` is pure tables; `acceptance` and `mesh` run the committed dist against real servers, `mesh` through the ingress mesh. */
const typescript = {
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': ['ts-jest', { useESM: true, diagnostics: false, tsconfig: '<rootDir>/__tests__/tsconfig.json' }]
  }
}

export default {
  projects: [
    { ...typescript, displayName: 'unit', testMatch: ['<rootDir>/__tests__/unit/**/*.test.ts'] },
    { ...typescript, displayName: 'acceptance', testMatch: ['<rootDir>/__tests__/acceptance/**/*.test.ts'] },
    { ...typescript, displayName: 'mesh', testMatch: ['<rootDir>/__tests__/mesh/**/*.test.ts'] }
  ]
}
