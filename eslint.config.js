import js from '@eslint/js'
import tseslint from 'typescript-eslint'

/** Only adapters touch the world; the pure rooms know neither stages nor effects. */
const effects = [
  '@actions/*',
  'node:fs',
  'node:fs/*',
  'node:child_process',
  'node:net',
  'node:http',
  'node:https',
  'undici'
]
const rooms = {
  pure: [
    'compose',
    'rollout',
    'release',
    'images',
    'secrets',
    'report',
    'preview',
    'commands',
    'errors',
    'server',
    'ssh'
  ]
}

const noEffects = { group: effects, message: 'Only src/adapters touches the world: ask for it through a port.' }

export default tseslint.config(
  { ignores: ['dist', 'node_modules', '.tmp', '__tests__/fixtures', 'examples', 'coverage'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked.map(config => ({ ...config, files: ['src/**/*.ts'] })),
  ...tseslint.configs.strict.map(config => ({
    ...config,
    files: ['testbed/**/*.ts', '__tests__/**/*.ts', 'scripts/**/*.ts']
  })),
  {
    files: ['**/*.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: { '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }] }
  },
  {
    files: ['src/**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'max-lines': ['error', { max: 300, skipComments: true, skipBlankLines: true }],
      'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
      'no-restricted-imports': ['error', { patterns: [noEffects] }]
    }
  },
  { files: ['src/adapters/**/*.ts', 'src/index.ts', 'src/start.ts'], rules: { 'no-restricted-imports': 'off' } },
  {
    files: ['src/pipelines/*/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [noEffects, { group: ['../*.js'], message: 'A command goes these ways; they know none.' }] }
      ]
    }
  },
  {
    files: rooms.pure.map(room => `src/${room}/**/*.ts`),
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            noEffects,
            {
              group: ['**/stages/*', '**/adapters/*', '**/pipelines/*', '**/main.js', '**/ports.js', '**/ports/*'],
              message: 'This room is pure: arrows point from main to stages to pure rooms.'
            }
          ]
        }
      ]
    }
  },
  {
    files: ['src/stages/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            noEffects,
            {
              group: ['./*.js', '**/stages/*.js', '**/adapters/*', '**/pipelines/*', '**/main.js'],
              message: 'A stage knows its ports, the pure rooms and its own parts, never another stage.'
            }
          ]
        }
      ]
    }
  },
  {
    files: ['**/*.mjs', '**/*.js', 'testbed/**/*.ts', '__tests__/**/*.ts', 'scripts/**/*.ts'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        fetch: 'readonly',
        AbortSignal: 'readonly',
        AbortController: 'readonly'
      }
    },
    rules: { 'no-undef': 'off' }
  }
)
