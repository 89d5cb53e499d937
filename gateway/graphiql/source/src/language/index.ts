/// Everything that needs the schema or may arrive after the editor: loaded as a file of its own, once the page can be used.
export { buildClientSchema } from 'graphql'
export { operationFeatures } from './operation'
export { editingFeatures, viewingFeatures } from './editing'
export { variableFeatures } from './variables'
