import { describe, expect, it } from '@jest/globals'
import type { Change } from '../../../src/release/compare.js'
import { planRows } from '../../../src/report/plan.js'

const of = { service: 'shop_web', key: 'web', job: false }
const job = { service: 'shop_migrate', key: 'migrate', job: true }
const image = 'acme/shop:2'

describe('planRows', () => {
  it.each<[string, Change, unknown[]]>([
    [
      'a new service',
      { ...of, kind: 'create', image },
      [{ service: 'web', kind: 'create', fields: [{ name: 'image', after: image }] }]
    ],
    [
      'a new job',
      { ...job, kind: 'create', image },
      [{ service: 'migrate', kind: 'run', fields: [{ name: 'image', after: image }] }]
    ],
    [
      'a job that runs again',
      { ...job, kind: 'update', why: 'changed', fields: [], drift: [], image },
      [{ service: 'migrate', kind: 'run', fields: [] }]
    ],
    [
      'an update, its environment by name',
      {
        ...of,
        kind: 'update',
        why: 'changed',
        fields: [
          { field: 'image', from: 'acme/shop:1', to: image },
          { field: 'environment', added: ['NEW'], removed: ['OLD'], changed: ['URL'] },
          { field: 'secrets', changed: ['db_password'] },
          { field: 'command' }
        ],
        drift: [{ field: 'replicas', from: '5', to: '2' }],
        image
      },
      [
        {
          service: 'web',
          kind: 'update',
          fields: [
            { name: 'image', before: 'acme/shop:1', after: image },
            { name: 'environment', after: '+NEW −OLD ~URL' },
            { name: 'secrets', after: '~db_password' },
            { name: 'command' },
            { name: 'replicas (changed by hand)', before: '5', after: '2' }
          ]
        }
      ]
    ],
    [
      'an update that never got there',
      { ...of, kind: 'update', why: 'unfinished', fields: [], drift: [], image },
      [{ service: 'web', kind: 'update', fields: [{ name: 'its last update had not finished' }] }]
    ],
    ['what stays', { ...of, kind: 'unchanged', release: 'r1' }, [{ service: 'web', kind: 'unchanged', fields: [] }]],
    ['what goes', { ...of, kind: 'remove', release: 'r1' }, [{ service: 'web', kind: 'remove', fields: [] }]],
    ['a service of somebody else', { ...of, kind: 'foreign' }, []]
  ])('shows %s', (_, change, rows) => {
    expect(planRows([change])).toEqual(rows)
  })
})
