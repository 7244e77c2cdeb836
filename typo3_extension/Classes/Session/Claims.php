<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Session;

/**
 * Who a token speaks of. What is not known is left out of the token: the portal refuses null and empty texts.
 */
final readonly class Claims
{
    public const FRAGMENT = 'fragment';
    public const LOGIN = 'login';
    public const LOGOUT = 'logout';
    public const ADMIN = 'admin';

    /**
     * @param string $subject the CMS's stable id of the user, such as `fe_users:12`
     * @param string $sessionId an opaque id of the CMS session, never its cookie
     * @param list<string> $roles of `mieter`, `eigentuemer`
     */
    public function __construct(
        public string $subject,
        public string $sessionId,
        public string $person = '',
        public string $name = '',
        public string $email = '',
        public string $language = '',
        public array $roles = [],
    ) {}

    /**
     * @return array<string, mixed> the claims that concern the person, in the order of the specification
     */
    public function about(): array
    {
        $known = [
            'person' => $this->person,
            'name' => $this->name,
            'email' => $this->email,
            'lang' => $this->language,
            'roles' => $this->roles,
        ];

        return array_filter($known, static fn(string|array $value): bool => $value !== '' && $value !== []);
    }
}
