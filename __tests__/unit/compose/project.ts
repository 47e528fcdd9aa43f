import type { TranslateOptions } from '../../../src/compose/context.js'
import { parseModel, type ComposeModel, type ComposeService } from '../../../src/compose/model.js'
import type { ComposeProject } from '../../../src/compose/project.js'
import { translate, type Translation } from '../../../src/compose/translate.js'
import type { StackService } from '../../../src/model.js'

export const workspace = '/repo'

/** A project as `readCompose` gives it, from a canonical model without its derived parts. */
export function projectOf(model: Partial<ComposeModel>, rest: Partial<ComposeProject> = {}): ComposeProject {
  return {
    workspace,
    model: parseModel(JSON.stringify({ name: 'shop', ...model })),
    sources: [],
    envSources: [],
    unset: [],
    paths: {},
    imageHealthchecks: [],
    ...rest
  }
}

export type Given = ComposeService | Record<string, unknown>

/** Translates a model of these services as the stack `shop`. */
export function translated(
  services: Record<string, Given>,
  {
    model = {},
    project = {},
    ...options
  }: { model?: Partial<ComposeModel>; project?: Partial<ComposeProject> } & Partial<TranslateOptions> = {}
): Translation {
  const whole = { ...model, services: services as Record<string, ComposeService> }
  return translate(projectOf(whole, project), { stack: 'shop', policy: 'none', ...options })
}

/** The service `web` of the stack. */
export function web(service: Given, options: Parameters<typeof translated>[1] = {}): StackService {
  const found = translated({ web: { image: 'nginx:1', ...service } }, options).stack.services['web']
  if (found === undefined) throw new Error('there is no web in the stack')
  return found
}

/** The rules that fire, errors first. */
export function rules({ findings }: Translation): string[] {
  return findings.map(({ rule }) => rule)
}
