<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Session;

/**
 * Makes tokens that say for a minute who the visitor is; each has its own `jti` and is good for one request.
 */
final readonly class SessionSigner
{
    public const LIFETIME = 60;

    /**
     * @param string $connection the name of the connection at the portal (`iss`)
     * @param string $audience the portal's public address of this Mandant (`aud`)
     * @param ?\Closure(): int $clock Unix seconds
     */
    public function __construct(
        private string $connection,
        private string $audience,
        private KeyRing $keys,
        private ?\Closure $clock = null,
    ) {}

    /**
     * @param Claims::* $type
     * @param string $nonce what the portal put into its cookie; for `login` by iframe only
     */
    public function token(string $type, Claims $claims, string $nonce = ''): string
    {
        return $this->tokens($type, $claims, $nonce)[0];
    }

    /**
     * The same saying signed with each key, newest first: the portal may not know the newest yet.
     *
     * @param Claims::* $type
     * @return non-empty-list<string>
     */
    public function tokens(string $type, Claims $claims, string $nonce = ''): array
    {
        $now = $this->clock === null ? time() : ($this->clock)();
        $said = [
            'v' => 1,
            'typ' => $type,
            'iss' => $this->connection,
            'aud' => $this->audience,
            'sub' => $claims->subject,
            'sid' => $claims->sessionId,
            'jti' => Token::base64url(random_bytes(16)),
            'iat' => $now,
            'exp' => $now + self::LIFETIME,
        ];
        $said += $nonce === '' ? [] : ['nonce' => $nonce];
        $said += $type === Claims::LOGOUT ? [] : $claims->about();

        return array_map(static fn(string $key): string => Token::sign($said, $key, $now), $this->keys->newestFirst());
    }
}
