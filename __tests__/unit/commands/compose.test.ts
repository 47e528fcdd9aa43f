import { describe, expect, it } from '@jest/globals'
import { composeConfig, composeEnvironment } from '../../../src/commands/compose.js'

describe('composeConfig', () => {
  it('names files, environment files, profiles and the project, and switches nothing off', () => {
    const argv = composeConfig({
      project: 'shop',
      files: ['/r/a.yaml', '/r/b.yaml'],
      envFiles: ['/r/.env.prod'],
      profiles: ['web', 'jobs'],
      format: 'json'
    })
    expect(argv.join(' ')).toBe(
      'docker compose --file /r/a.yaml --file /r/b.yaml --env-file /r/.env.prod --profile web --profile jobs --project-name shop config --format json'
    )
  })
})

describe('composeEnvironment', () => {
  it('lets nothing of the runner steer compose, and the variables of the run win', () => {
    const job = {
      PATH: '/bin',
      TAG: '1',
      COMPOSE_FILE: 'x',
      COMPOSE_PROFILES: 'dev',
      DOCKER_HOST: 'tcp://x',
      DOCKER_CONFIG: '/c',
      DOCKER_TAG: '2'
    }
    expect(composeEnvironment(job, { TAG: '3', COMPOSE_PROJECT_NAME: 'y' })).toEqual({
      PATH: '/bin',
      TAG: '3',
      DOCKER_CONFIG: '/c',
      DOCKER_TAG: '2'
    })
  })
})
