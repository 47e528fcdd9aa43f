import { describe, expect, it } from '@jest/globals'
import { dockerEnvironment, stackDeploy } from '../../../src/commands/stack.js'
import { applyFailed } from '../../../src/errors/release.js'

describe('handing a stack to the CLI', () => {
  it('comes on stdin, resolves nothing, and sends a login only when there is one', () => {
    expect(stackDeploy({ stack: 'shop', withRegistryAuth: false }).join(' ')).toBe(
      'docker stack deploy --compose-file - --detach --resolve-image never shop'
    )
    expect(stackDeploy({ stack: 'shop', withRegistryAuth: true })).toContain('--with-registry-auth')
  })

  it('sees nothing of the job’s environment', () => {
    const env = { PATH: '/bin', SECRET: 'x', DOCKER_CONTEXT: 'other', HOME: '/home/runner' }
    expect(dockerEnvironment({ env, dockerHost: 'unix:///s', dockerConfig: '/c' })).toEqual({
      PATH: '/bin',
      HOME: '/c',
      DOCKER_HOST: 'unix:///s',
      DOCKER_CONFIG: '/c'
    })
  })

  it.each<[number | null, string, RegExp]>([
    [127, 'docker: not found', /no `docker` on the runner/],
    [
      1,
      "failed to create service a_b: Error response from daemon: rpc error: code = InvalidArgument desc = port '80' is already in use by service 'proxy_web' (abc) as an ingress port",
      /port 80 is already published by service proxy_web/
    ],
    [1, 'secret not found: shop_db-1', /secret shop_db-1 is gone/],
    [
      1,
      'network "proxy" is declared as external, but could not be found. You need to create a swarm-scoped network before the stack is deployed',
      /network proxy is external, and the swarm does not have it/
    ],
    [
      1,
      'Error response from daemon: rpc error: code = Unknown desc = The swarm does not have a leader. no leader',
      /no leader at present/
    ],
    [
      1,
      'Error response from daemon: client version 1.52 is too new. Maximum supported API version is 1.41',
      /too far apart/
    ],
    [1, 'services.web Additional property x is not allowed', /refused stack shop \(exit code 1\)/],
    [null, '', /it was stopped/]
  ])('exit code %s, %s', (code, words, message) => {
    const error = applyFailed('shop', code, words)
    expect(error.message).toMatch(message)
    expect(error.problems[0]?.details).toBe(words)
  })
})
