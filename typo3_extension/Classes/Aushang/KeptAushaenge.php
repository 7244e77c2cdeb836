<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Aushang;

use Mieterportal\Typo3\Settings\PortalSettings;
use Symfony\Component\DependencyInjection\Attribute\Autowire;
use TYPO3\CMS\Core\Cache\Frontend\FrontendInterface;

/**
 * What is the same for everybody is kept for a minute, and so is the fact that a portal does not answer: no page waits
 * for it at every view. What is one resident's is never kept.
 */
final readonly class KeptAushaenge
{
    private const SECONDS = 60;
    private const TAG = 'mieterportal_aushaenge';

    public function __construct(
        #[Autowire(service: 'cache.hash')]
        private FrontendInterface $cache,
    ) {}

    /**
     * The public notices as HTML; null when they have to be asked for.
     */
    public function public(PortalSettings $settings, string $language): ?string
    {
        $kept = $this->cache->get(self::name($settings, 'public ' . $language));

        return is_string($kept) ? $kept : null;
    }

    public function keepPublic(PortalSettings $settings, string $language, string $html): void
    {
        $this->cache->set(self::name($settings, 'public ' . $language), $html, [self::TAG], self::SECONDS);
    }

    /**
     * @param string $whose `public` or `own`: a portal that refuses a resident's token may show the public ones
     */
    public function isAway(PortalSettings $settings, string $whose): bool
    {
        return $this->cache->get(self::name($settings, 'away ' . $whose)) === 'away';
    }

    public function keepAway(PortalSettings $settings, string $whose): void
    {
        $this->cache->set(self::name($settings, 'away ' . $whose), 'away', [self::TAG], self::SECONDS);
    }

    /**
     * An editor has changed a notice: it is seen at once.
     */
    public function forget(): void
    {
        $this->cache->flushByTag(self::TAG);
    }

    private static function name(PortalSettings $settings, string $what): string
    {
        return 'mieterportal_' . hash('sha256', $settings->reachedAt() . ' ' . $settings->connection . ' ' . $what);
    }
}
