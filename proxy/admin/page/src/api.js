// The admin API, with the token that the reader gave. It stays in this tab only.

let token = sessionStorage.getItem("token") || "";

export function useToken(text) {
  token = text;
  sessionStorage.setItem("token", text);
}

export const fields = (more = {}) => token ? {...more, Authorization: "Bearer " + token} : more;

export class ApiError extends Error {
  constructor(status, answer) {
    super(status === 401 ? "a token is needed" : [answer?.error, answer?.detail].filter(Boolean).join(": ") || "status " + status);
    this.status = status;
  }
}

async function read(response) {
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer;
}

export const get = async path => read(await fetch(path, {headers: fields()}));
export const post = async (path, body) => read(await fetch(path,
  {method: "POST", headers: fields({"Content-Type": "application/json"}), body: JSON.stringify(body)}));
