<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Login;

use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Settings\PortalSettings;
use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Core\Site\Entity\SiteLanguage;
use TYPO3\CMS\Frontend\Authentication\FrontendUserAuthentication;

/**
 * Who is signed in as a front-end user, as the portal is told.
 */
final readonly class Visitor
{
    private function __construct(
        private FrontendUserAuthentication $user,
        private KnownSession $session,
    ) {}

    /**
     * Null when nobody is signed in.
     */
    public static function of(ServerRequestInterface $request): ?self
    {
        $user = $request->getAttribute('frontend.user');
        if (!$user instanceof FrontendUserAuthentication || (int)($user->user['uid'] ?? 0) === 0) {
            return null;
        }
        $session = KnownSession::of($user->getSession());

        return $session === null ? null : new self($user, $session);
    }

    /**
     * The groups of whoever asks, as access to content is decided by them.
     *
     * @return list<int>
     */
    public static function groups(ServerRequestInterface $request): array
    {
        $visitor = self::of($request);

        return $visitor === null ? [0, -1] : [0, -2, ...$visitor->ownGroups()];
    }

    public function claims(PortalSettings $settings, ?SiteLanguage $language = null): Claims
    {
        return new Claims(
            subject: $this->session->subject(),
            sessionId: $this->session->id(),
            person: $settings->personField === '' ? '' : $this->column($settings->personField),
            name: $this->name(),
            email: $this->column('email'),
            language: $language?->getLocale()->getLanguageCode() ?? '',
            roles: $this->roles($settings),
        );
    }

    /**
     * Remember in the session that this portal knows of it, so that it hears of its end. Written once a session.
     */
    public function isSeenBy(string $site): void
    {
        $seen = $this->session->sites();
        if (!in_array($site, $seen, true)) {
            $this->user->setAndSaveSessionData(KnownSession::SITES, [...$seen, $site]);
        }
    }

    private function name(): string
    {
        $whole = trim($this->column('first_name') . ' ' . $this->column('last_name'));

        return $whole === '' ? $this->column('name') : $whole;
    }

    private function column(string $name): string
    {
        $value = $this->user->user[$name] ?? '';

        return is_scalar($value) ? trim((string)$value) : '';
    }

    /**
     * @return list<string>
     */
    private function roles(PortalSettings $settings): array
    {
        $groups = $this->ownGroups();
        $roles = [];
        foreach (['mieter' => $settings->tenantGroups, 'eigentuemer' => $settings->ownerGroups] as $role => $giving) {
            if (array_intersect($giving, $groups) !== []) {
                $roles[] = $role;
            }
        }

        return $roles;
    }

    /**
     * @return list<int>
     */
    private function ownGroups(): array
    {
        return array_values(array_map(intval(...), array_keys($this->user->userGroups)));
    }
}
