// An OpenID provider with one client. Whoever signs in as NAME has the address NAME@example.com, which is verified unless NAME
// begins with "unverified"; the claims of scopes come from the userinfo endpoint, as the specification has it for codes.
import Provider from "oidc-provider";

const { PORT, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI } = process.env;
const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  clients: [{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: [REDIRECT_URI] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["given_name", "family_name"] },
  pkce: { required: () => true, methods: ["S256"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: `${id}@example.com`,
      email_verified: !id.startsWith("unverified"),
      given_name: "Grace",
      family_name: "Hopper",
    }),
  }),
});
provider.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));
