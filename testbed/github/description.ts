import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { ValidateFunction } from 'ajv'
import { projectDir } from '../toolchain.ts'

// Both are CommonJS with a class on `default`, which the loaders of Node and of the tests hand out differently.
const require = createRequire(import.meta.url)
const { default: Ajv } = require('ajv') as typeof import('ajv')
const addFormats = require('ajv-formats') as (ajv: object) => void

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
  /** `issues/create-comment`, … */
  readonly id: string
  readonly params: Readonly<Record<string, string>>
  /** Where it stands in the document, as a JSON pointer. */
  readonly at: string
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: Schema
}

/**
 * GitHub's own description of its REST API, as a judge of what is asked and answered. Validators are made when they
 * are needed first: all of them would take seconds.
 */
export class Description {
  readonly #document: Schema
  readonly #ajv = new Ajv({ strict: false, allErrors: true, coerceTypes: false, logger: false })
  readonly #query = new Ajv({ strict: false, allErrors: true, coerceTypes: true, logger: false })
  readonly #made = new Map<string, ValidateFunction>()

  constructor() {
    const source = readFileSync(join(projectDir, '__tests__/fixtures/github/rest-api-slice.json'), 'utf8')
    this.#document = JSON.parse(source, typedNull) as Schema
    closeRequests(this.#document)
    for (const ajv of [this.#ajv, this.#query]) {
      addFormats(ajv)
      ajv.addSchema({ $id: 'github', ...this.#document })
    }
  }

  operation(call: Call): Operation | null {
    for (const [template, methods] of Object.entries(this.#document['paths'] as Record<string, Schema>)) {
      const found = methods[call.method.toLowerCase()] as Schema | undefined
      const params = matchPath(template, call.path)
      const at = `/paths/${escapePointer(template)}/${call.method.toLowerCase()}`
      if (found && params) return { id: String(found['operationId']), params, at }
    }
    return null
  }

  /** What of the request the description does not allow. */
  badRequest(call: Call): readonly string[] {
    const operation = this.operation(call)
    if (!operation) return [`${call.method} ${call.path} is not in the description`]
    return [...this.#badParameters(operation, call), ...this.#badBody(operation, call.body)]
  }

  /** What of the reply the description does not allow. */
  badReply(operation: Operation, status: number, body: unknown): readonly string[] {
    const at = this.#follow(`${operation.at}/responses/${status}`)
    if (at === null) return [`${operation.id} never answers ${status}`]
    const schema = `${at}/content/application~1json/schema`
    if (this.#follow(schema) === null) return body === null ? [] : [`${operation.id} answers ${status} without a body`]
    return this.#errors(schema, body)
  }

  /** The smallest value that a schema of the description allows, with some parts set. */
  example(schema: string, parts: Schema): Schema {
    return merge(this.#smallest({ $ref: `#/components/schemas/${schema}` }) as Schema, parts)
  }

  #badParameters(operation: Operation, call: Call): string[] {
    const listed = (this.#at(`${operation.at}/parameters`) ?? []) as Schema[]
    const parameters = listed.map(one => (one['$ref'] ? this.#at(String(one['$ref']).slice(1)) : one) as Parameter)
    const known = new Map(parameters.filter(one => one.in === 'query').map(one => [one.name, one]))
    return [...new URLSearchParams(call.query)].flatMap(([name, value]) => {
      const parameter = known.get(name)
      if (!parameter) return [`${operation.id} has no query parameter ${name}`]
      const validate = this.#query.compile({ type: 'object', properties: { [name]: parameter.schema } })
      return validate({ [name]: value }) ? [] : [`${name}: ${this.#query.errorsText(validate.errors)}`]
    })
  }

  #badBody(operation: Operation, body: unknown): readonly string[] {
    const at = `${operation.at}/requestBody`
    const described = this.#at(at) as Schema | null
    if (described === null) return body === undefined ? [] : [`${operation.id} takes no body`]
    if (body === undefined) return described['required'] === true ? [`${operation.id} needs a body`] : []
    return this.#errors(`${at}/content/application~1json/schema`, body)
  }

  #errors(pointer: string, value: unknown): readonly string[] {
    const validate = this.#made.get(pointer) ?? this.#ajv.compile({ $ref: `github#${encodeURI(pointer)}` })
    this.#made.set(pointer, validate)
    if (validate(value)) return []
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`
    )
  }

  /** The pointer behind a pointer that may name a `$ref`; null when there is nothing. */
  #follow(pointer: string): string | null {
    const found = this.#at(pointer)
    if (!isObject(found)) return null
    return typeof found['$ref'] === 'string' ? this.#follow(found['$ref'].slice(1)) : pointer
  }

  #at(pointer: string): unknown {
    const keys = pointer.split('/').slice(1)
    return keys.reduce<unknown>(
      (at, key) => (isObject(at) ? (at[key.replaceAll('~1', '/').replaceAll('~0', '~')] ?? null) : null),
      this.#document
    )
  }

  /** Required properties only, recursively. */
  #smallest(schema: Schema): unknown {
    if (typeof schema['$ref'] === 'string') return this.#smallest(this.#at(schema['$ref'].slice(1)) as Schema)
    if (schema['nullable'] === true) return null
    if (Array.isArray(schema['enum'])) return schema['enum'][0]
    const choice = (schema['oneOf'] ?? schema['anyOf']) as Schema[] | undefined
    if (choice?.[0]) return this.#smallest(choice[0])
    if (Array.isArray(schema['allOf'])) {
      return Object.assign({}, ...(schema['allOf'] as Schema[]).map(part => this.#smallest(part))) as Schema
    }
    if (schema['type'] !== undefined && schema['type'] !== 'object') return smallestOf(schema)
    const properties = (schema['properties'] ?? {}) as Record<string, Schema>
    const required = (schema['required'] ?? []) as string[]
    return Object.fromEntries(required.map(name => [name, this.#smallest(properties[name] ?? {})]))
  }
}

function smallestOf(schema: Schema): unknown {
  switch (schema['type']) {
    case 'string':
      if (schema['format'] === 'uri') return 'https://github.com/'
      if (schema['format'] === 'date-time') return '2026-01-01T00:00:00Z'
      return schema['format'] === 'email' ? 'mona@example.com' : 'x'
    case 'integer':
    case 'number':
      return schema['minimum'] ?? 1
    case 'boolean':
      return false
    case 'array':
      return []
    default:
      return null
  }
}

/** Ajv wants a type beside `nullable`, where OpenAPI does not: null becomes one of the choices. */
function typedNull(_: string, value: unknown): unknown {
  if (!isObject(value) || value['nullable'] !== true || 'type' in value) return value
  const rest = Object.entries(value).filter(([key]) => key !== 'nullable')
  return { anyOf: [{ type: 'null' }, Object.fromEntries(rest)] }
}

/** GitHub ignores what it does not know, and a typo would go unseen: request bodies are taken at their word. */
function closeRequests(document: Schema): void {
  const paths = Object.values(document['paths'] as Record<string, Record<string, Schema>>)
  for (const operation of paths.flatMap(path => Object.values(path))) {
    const body = operation['requestBody'] as { content?: Record<string, { schema?: Schema }> } | undefined
    for (const { schema } of Object.values(body?.content ?? {})) {
      if (schema?.['type'] === 'object') schema['additionalProperties'] = false
    }
  }
}

function matchPath(template: string, path: string): Record<string, string> | null {
  const wanted = template.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return null
  const params: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? ''
    const name = /^\{(\w+)\}$/.exec(part)?.[1]
    if (name === undefined ? part !== value : value === '') return null
    if (name !== undefined) params[name] = decodeURIComponent(value)
  }
  return params
}

function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
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
