"""Signs people in through outside OpenID providers."""
