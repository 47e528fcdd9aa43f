import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import addFormats from 'ajv-formats'
import type { Document } from 'openapi-backend'
import { projectDir } from '../toolchain.ts'

// openapi-backend is CommonJS whose exports Node cannot see by name in every loader.
const { OpenAPIBackend } = createRequire(import.meta.url)('openapi-backend') as typeof import('openapi-backend')

type Schema = Record<string, unknown>

export interface Call {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** What the description knows of a call. */
export interface Operation {
  readonly id: string
  readonly params: Readonly<Record<string, string>>
}

/** GitHub's own description of its REST API, as a judge of what is asked and answered. */
export interface Description {
  operation(call: Call): Operation | null
  /** What of the request the description does not allow. */
  badRequest(call: Call): readonly string[]
  /** What of the reply the description does not allow. */
  badReply(operation: Operation, status: number, body: unknown): readonly string[]
  /** The smallest value that a schema of the description allows, with some parts set. */
  example(schema: string, parts: Schema): Schema
}

let read: Promise<Description> | undefined

/** Read and compiled once in a process. */
export function readDescription(): Promise<Description> {
  return (read ??= compile())
}

async function compile(): Promise<Description> {
  const source = readFileSync(join(projectDir, '__tests__/fixtures/github/rest-api-slice.json'), 'utf8')
  const document = JSON.parse(source, typedNull) as Schema & {
    components: { schemas: Record<string, Schema> }
    paths: Record<string, Record<string, Schema>>
  }
  closeRequests(document.paths)
  const api = new OpenAPIBackend({
    definition: document as unknown as Document,
    ajvOpts: { strict: false, allErrors: true },
    customizeAjv: ajv => {
      ;(addFormats as unknown as (ajv: unknown) => void)(ajv)
      return ajv
    }
  })
  await api.init()
  const request = (call: Call) => ({ ...call, headers: { ...call.headers } })
  const parameters = (id: string) => {
    const operation = api.getOperation(id)
    const listed = (operation?.parameters ?? []) as { name: string; in: string }[]
    return new Set(listed.filter(parameter => parameter.in === 'query').map(({ name }) => name))
  }
  return {
    operation: call => {
      const found = api.matchOperation(request(call))
      if (!found?.operationId) return null
      const params = api.router.parseRequest(request(call), found).params
      return { id: found.operationId, params: params as Record<string, string> }
    },
    badRequest: call => {
      const found = api.matchOperation(request(call))
      if (!found?.operationId) return [`${call.method} ${call.path} is not in the description`]
      const known = parameters(found.operationId)
      const strange = [...new URLSearchParams(call.query).keys()].filter(name => !known.has(name))
      return [
        ...strange.map(name => `${found.operationId ?? ''} has no query parameter ${name}`),
        ...errors(api.validateRequest(request(call), found))
      ]
    },
    badReply: (operation, status, body) => errors(api.validateResponse(body, operation.id, status)),
    example: (schema, parts) => merge(smallest({ $ref: `#/components/schemas/${schema}` }, document) as Schema, parts)
  }
}

/** Ajv wants a type beside `nullable`, where OpenAPI does not: `null` becomes one of the choices. */
function typedNull(_: string, value: unknown): unknown {
  if (!isObject(value) || value['nullable'] !== true || 'type' in value) return value
  const { nullable: __, ...rest } = value
  return { anyOf: [{ type: 'null' }, rest] }
}

/** GitHub ignores what it does not know, and a typo would go unseen: request bodies are taken at their word. */
function closeRequests(paths: Record<string, Record<string, Schema>>): void {
  for (const operation of Object.values(paths).flatMap(path => Object.values(path))) {
    const body = operation['requestBody'] as { content?: Record<string, { schema?: Schema }> } | undefined
    for (const { schema } of Object.values(body?.content ?? {})) {
      if (schema?.['type'] === 'object') schema['additionalProperties'] = false
    }
  }
}

function errors(result: { errors?: readonly { instancePath?: string; message?: string }[] | null }): string[] {
  return (result.errors ?? []).map(error => `${error.instancePath ?? ''} ${error.message ?? ''} ${extra(error)}`.trim())
}

function extra(error: object): string {
  return 'params' in error ? JSON.stringify(error.params) : ''
}

/** Required properties only, recursively. */
function smallest(schema: Schema, document: Schema): unknown {
  if (typeof schema['$ref'] === 'string') return smallest(resolve(schema['$ref'], document), document)
  if (schema['nullable'] === true) return null
  if (Array.isArray(schema['enum'])) return schema['enum'][0]
  const choice = (schema['oneOf'] ?? schema['anyOf']) as Schema[] | undefined
  if (choice?.[0]) return smallest(choice[0], document)
  if (Array.isArray(schema['allOf'])) {
    return (schema['allOf'] as Schema[]).reduce(
      (all, part) => ({ ...all, ...(smallest(part, document) as Schema) }),
      {}
    )
  }
  switch (schema['type']) {
    case 'null':
      return null
    case 'string':
      return stringOf(schema['format'])
    case 'integer':
    case 'number':
      return schema['minimum'] ?? 1
    case 'boolean':
      return false
    case 'array':
      return []
    default: {
      const properties = (schema['properties'] ?? {}) as Record<string, Schema>
      const required = (schema['required'] ?? []) as string[]
      return Object.fromEntries(required.map(name => [name, smallest(properties[name] ?? {}, document)]))
    }
  }
}

function stringOf(format: unknown): string {
  if (format === 'uri') return 'https://github.com/'
  if (format === 'date-time') return '2026-01-01T00:00:00Z'
  return format === 'email' ? 'mona@example.com' : 'x'
}

function resolve(reference: string, document: Schema): Schema {
  const path = reference.replace(/^#\//, '').split('/')
  return path.reduce<Schema>((at, key) => at[key] as Schema, document)
}

function merge(base: Schema, parts: Schema): Schema {
  const merged = { ...base }
  for (const [key, value] of Object.entries(parts)) {
    const old = merged[key]
    merged[key] = isObject(old) && isObject(value) ? merge(old, value) : value
  }
  return merged
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
