import { renderStack } from '../../compose/render.js'
import { translate, type Translation } from '../../compose/translate.js'
import type { ComposeProject } from '../../compose/project.js'
import { UserError, type Problem } from '../../errors.js'
import { transferFor } from '../../images/direct.js'
import { planBuilds, type BuildPlan } from '../../images/plan.js'
import type { Build, Finding, Stack } from '../../model.js'
import { missingBuildInputs } from '../../stages/build-inputs.js'
import { readCompose } from '../../stages/read-compose.js'
import { readObjects, type ObjectPlan } from '../../stages/objects.js'
import { tagSource } from '../images/build-images.js'
import type { Run, StackTarget } from '../run/run.js'

/** What the compose files ask for, before any server is touched. */
export interface Prepared {
  readonly project: ComposeProject
  readonly translation: Translation
  readonly objects: ObjectPlan
}

/** Reads the compose files, translates them and finds every value that they need. Shows the findings. */
export async function prepare(run: Run, target: StackTarget): Promise<Prepared> {
  const { inputs, ports, workspace } = run
  const project = await ports.log.group('Compose', () =>
    readCompose(ports, {
      workspace,
      files: inputs.composeFiles,
      envFiles: inputs.envFiles,
      profiles: inputs.profiles,
      stack: target.stack,
      variables: target.preview?.variables ?? {}
    })
  )
  const translation = translate(project, {
    stack: target.stack,
    policy: inputs.policy,
    ...(target.preview && { preview: { ports: inputs.previewPorts, replicas: inputs.previewReplicas } })
  })
  const objects = await readObjects(ports, { needs: translation.needs, values: inputs.secrets, workspace })
  const builds = inputs.build === 'false' ? [] : translation.builds
  const unbuildable = await missingBuildInputs(ports.files, workspace, builds)
  const unnamed = namedBuilds(run, target, builds)?.problems ?? []
  // A pull request's check has no secrets to look into: what lacks a value there is worth a word, and no more.
  const isCheck = inputs.command === 'check'
  const lacking = objects.problems.filter(problem => !objects.inFiles.includes(problem))
  if (isCheck) for (const { message, remedy } of lacking) ports.log.info([message, remedy ?? ''].join('\n').trim())
  heed(run, translation.findings, [...(isCheck ? objects.inFiles : [...objects.problems, ...unnamed]), ...unbuildable])
  return { project, translation, objects }
}

/** The names that built images get in their registries; undefined where nothing is pushed. */
export function namedBuilds(
  { inputs, job }: Run,
  { stack, preview }: StackTarget,
  builds: readonly Build[]
): BuildPlan | undefined {
  const { build, transfer, registry, tags } = inputs
  if (build === 'false' || builds.length === 0 || transferFor(transfer, registry, builds) === 'direct') return undefined
  const source = tagSource({ job, ...(preview && { pullRequest: preview.number }) })
  return planBuilds(builds, { stack, tags, source, transfer: 'registry', ...(registry !== undefined && { registry }) })
}

/** Writes the stack file (mode 0600) for later steps to look at; it may hold values of environment files. */
export function writeStackFile(run: Run, stack: Stack): Promise<string> {
  return run.ports.files.writeTemp('stack.json', renderStack(stack))
}

/**
 * Warnings are annotations on the user's file. Notices are so only where the findings are what was asked for; a deploy
 * says them in its log and its summary, as GitHub shows no more than ten annotations of a step.
 */
function annotate(run: Run, findings: readonly Finding[]): void {
  const { log } = run.ports
  for (const finding of findings) {
    const { message, remedy, rule, file, level } = finding
    const text = `${message}${remedy === undefined ? '' : ` ${remedy}`} [${rule}]`
    const at = file === undefined ? undefined : { ...finding, file }
    // Errors stop the run, and are annotated with all other problems then.
    if (level === 'warning') log.warning(text, at)
    if (level === 'notice' && run.inputs.command === 'check') log.notice(text, at)
    else if (level === 'notice') log.info(text)
  }
}

/** What the files say must not be deployed. The findings are for the report: those that stop the run, and all others. */
export class StackRefused extends UserError {
  readonly findings: readonly Finding[]

  constructor(problems: readonly Problem[], findings: readonly Finding[]) {
    super(problems)
    this.findings = findings
  }
}

/**
 * Shows the findings, and stops the run where they, or the problems beside them, are reason to. `earlier` are findings
 * that were shown before.
 * @throws StackRefused with every error-level finding (with `strict`, warnings too) and every problem.
 */
export function heed(
  run: Run,
  findings: readonly Finding[],
  problems: readonly Problem[] = [],
  earlier: readonly Finding[] = []
): void {
  annotate(run, findings)
  const fatal = findings.filter(({ level }) => level === 'error' || (run.inputs.strict && level === 'warning'))
  const all = [...fatal.map(asProblem), ...problems]
  if (all.length > 0) throw new StackRefused(all, [...earlier, ...findings])
}

function asProblem(finding: Finding): Problem {
  const { file, line, column } = finding
  return {
    message: `${finding.message} [${finding.rule}]`,
    ...(finding.remedy !== undefined && { remedy: finding.remedy }),
    ...(file !== undefined && {
      at: { file, ...(line !== undefined && { line }), ...(column !== undefined && { column }) }
    })
  }
}
