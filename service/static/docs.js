// Shows /openapi.json. The validator is switched off: it would send the description to a foreign server.
"use strict";

const place = document.getElementById("description");

SwaggerUIBundle({
  url: place.dataset.url,
  domNode: place,
  validatorUrl: null,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  queryConfigEnabled: false,
  persistAuthorization: false,
});
