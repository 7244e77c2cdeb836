<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Login;

use Mieterportal\Typo3\Session\Claims;
use TYPO3\CMS\Core\Session\UserSession;

/**
 * A front-end user's session, as portals know it. It is all that there is when somebody signs out: by then, TYPO3 has
 * not looked up whose it is.
 */
final readonly class KnownSession
{
    /** Where the session keeps which portals know of it. */
    public const SITES = 'mieterportal';

    private function __construct(private UserSession $session) {}

    /**
     * Null for the session of nobody.
     */
    public static function of(UserSession $session): ?self
    {
        return (int)$session->getUserId() > 0 ? new self($session) : null;
    }

    /**
     * Whose session it is, and nothing else of them.
     */
    public function claims(): Claims
    {
        return new Claims($this->subject(), $this->id());
    }

    public function subject(): string
    {
        return 'fe_users:' . (int)$this->session->getUserId();
    }

    /**
     * A hash: the session's own id is the visitor's cookie, and nobody else's business.
     */
    public function id(): string
    {
        return hash('sha256', 'mieterportal:' . $this->session->getIdentifier());
    }

    /**
     * @return list<string> identifiers of the sites whose portals know of this session
     */
    public function sites(): array
    {
        return array_values((array)$this->session->get(self::SITES));
    }
}
