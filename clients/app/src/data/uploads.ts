/// Sends files: announced to the graph, sent to the address that it gives, and confirmed.
import { graphql } from '../graph/graph'
import { client } from './session'

const UploadCreate = graphql(`
  mutation UploadCreate($input: UploadCreateInput!) {
    result: uploadCreate(input: $input) {
      errors {
        code
        message
      }
      attachment {
        id
      }
      upload {
        url
        method
        headers {
          name
          value
        }
      }
    }
  }
`)

const UploadComplete = graphql(`
  mutation UploadComplete($input: UploadCompleteInput!) {
    result: uploadComplete(input: $input) {
      errors {
        code
        message
      }
      attachment {
        id
        state
      }
    }
  }
`)

/** Resolves when the file is attached; `show` is told which share of it is sent. */
export async function upload(file: File, subjectId: string, show: (share: number) => void): Promise<void> {
  const announced = { subjectId, fileName: file.name, contentType: file.type || 'application/octet-stream', byteSize: file.size }
  const { result } = await client.request(UploadCreate, { input: announced })
  refuse(result)
  if (!result?.upload || !result.attachment) throw new Error('The server gave no address.')
  await send(result.upload, file, show)
  refuse((await client.request(UploadComplete, { input: { id: result.attachment.id } })).result)
}

function refuse(result: { errors: { message: string }[] } | null): void {
  const [error] = result?.errors ?? []
  if (error) throw new Error(error.message)
}

interface Address {
  url: string
  method: string
  headers: { name: string; value: string }[]
}

/** `fetch` does not say how much of a body is sent. */
function send({ url, method, headers }: Address, file: File, show: (share: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open(method, url)
    for (const { name, value } of headers) request.setRequestHeader(name, value)
    request.upload.onprogress = ({ loaded, total }) => show(total ? loaded / total : 0)
    request.onerror = () => reject(new Error('The file could not be sent.'))
    // 412: it is there already, since an attempt before arrived after all.
    request.onload = () => (request.status < 300 || request.status === 412 ? resolve() : reject(new Error(`The file was refused (${request.status}).`)))
    request.send(file)
  })
}
