<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Controller\Backend;

use Mieterportal\Typo3\Aushang\AushangForm;
use Mieterportal\Typo3\Aushang\Choices;
use TYPO3\CMS\Core\Site\Entity\Site;

/**
 * Notices as the templates of the module show them.
 */
final readonly class AushangViews
{
    private const BADGES = ['DRINGEND' => 'danger', 'WICHTIG' => 'warning', 'INFO' => 'info'];
    private const NAMED_MAX = 5;

    public function __construct(private ModuleFrame $frame) {}

    /**
     * @param array<string, mixed> $page what the portal says of its notices
     * @return array<string, mixed> `timezone`, and `groups`: shown, planned, ended, each if there is one
     */
    public function listed(array $page, Site $site): array
    {
        $zone = Choices::zone($page);
        $listed = ['timezone' => $zone, 'groups' => []];
        $groups = [];
        foreach ((array)($page['aushaenge'] ?? []) as $one) {
            if (is_array($one) && is_string($one['id'] ?? null)) {
                $groups[self::group($one)][] = $this->row($one, $zone, $site);
            }
        }
        foreach (['shown', 'planned', 'ended'] as $name) {
            if (($groups[$name] ?? []) !== []) {
                $listed['groups'][] = ['name' => $this->frame->words('aushang.group.' . $name), 'rows' => $groups[$name]];
            }
        }

        return $listed;
    }

    /**
     * @param list<string> $wrong names of fields that cannot be as they are
     * @return array<string, mixed>
     */
    public function form(AushangForm $form, Choices $choices, array $wrong): array
    {
        $codes = fn(string $table, array $values): array => array_combine(
            $values,
            array_map(fn(string $one): string => $this->frame->words('aushang.' . $table . '.' . $one), $values),
        );

        return [
            'form' => $form,
            'wrong' => array_fill_keys($wrong, true),
            'wrongFields' => array_values(array_intersect(AushangForm::FIELDS, $wrong)),
            'texts' => $this->texts($form, $choices),
            'arten' => self::options($codes('art', AushangForm::ARTEN), $form->art),
            'schweren' => self::options($codes('schwere', AushangForm::SCHWEREN), $form->schwere),
            'schadensorte' => self::options($choices->schadensorte, $form->schadensort),
            'schadenskategorien' => self::options($choices->schadenskategorien, $form->schadenskategorie),
            'haeuser' => $this->buildings($form, $choices),
            'asksForNumbers' => $choices->gebaeude === [] || $form->weitere !== '',
        ];
    }

    /**
     * @param array<string, mixed> $made a notice as the portal keeps it
     */
    public function said(array $made, bool $isNew, string $zone): string
    {
        if (self::group($made) === 'planned') {
            $from = AushangForm::local($made['zeigen_ab'] ?? null, $zone);

            return $this->frame->words('aushang.done.planned', [$from]);
        }

        return $this->frame->words($isNew ? 'aushang.done.new' : 'aushang.done.changed');
    }

    /**
     * @param array<string, mixed> $one
     */
    private static function group(array $one): string
    {
        if (($one['over'] ?? false) === true) {
            return 'ended';
        }

        return strtotime((string)($one['zeigen_ab'] ?? '')) > time() ? 'planned' : 'shown';
    }

    /**
     * @param array<string, mixed> $one
     * @return array<string, mixed>
     */
    private function row(array $one, string $zone, Site $site): array
    {
        $address = ['site' => $site->getIdentifier(), 'aushang' => $one['id']];
        $titles = array_filter((array)($one['titel'] ?? []), is_string(...));
        $schwere = (string)($one['schwere'] ?? '');

        return [
            'id' => $one['id'],
            'title' => (string)reset($titles),
            'art' => $this->frame->words('aushang.art.' . ($one['art'] ?? '')),
            'schwere' => $this->frame->words('aushang.schwere.' . $schwere),
            'badge' => self::BADGES[$schwere] ?? 'secondary',
            'where' => $this->where(array_filter((array)($one['gebaeude'] ?? []), is_string(...)), ($one['oeffentlich'] ?? false) === true),
            'shownFrom' => AushangForm::local($one['zeigen_ab'] ?? null, $zone),
            'von' => AushangForm::local($one['von'] ?? null, $zone),
            'bis' => AushangForm::local($one['bis'] ?? null, $zone),
            'betroffene' => ($one['art'] ?? '') === 'STOERUNG' ? (string)(int)($one['betroffene'] ?? 0) : '',
            'editUrl' => $this->frame->url('mieterportal_aushaenge.edit', $address),
            'endUrl' => $this->frame->url('mieterportal_aushaenge.end', $address),
            'againUrl' => $this->frame->url('mieterportal_aushaenge.edit', ['site' => $site->getIdentifier(), 'again' => $one['id']]),
        ];
    }

    /**
     * @param array<array-key, string> $gebaeude
     */
    private function where(array $gebaeude, bool $isPublic): string
    {
        if ($gebaeude === []) {
            return $this->frame->words($isPublic ? 'aushang.where.public' : 'aushang.where.all');
        }
        $named = implode(', ', array_slice($gebaeude, 0, self::NAMED_MAX));
        $more = count($gebaeude) - self::NAMED_MAX;

        return $more > 0 ? $this->frame->words('aushang.where.more', [$named, $more]) : $named;
    }

    /**
     * @return list<array<string, mixed>>
     */
    private function texts(AushangForm $form, Choices $choices): array
    {
        $texts = [];
        foreach ($choices->languages as $language) {
            $texts[] = [
                'language' => $language,
                'name' => \Locale::getDisplayLanguage($language, $this->frame->language()),
                'titel' => $form->titel[$language] ?? '',
                'text' => $form->text[$language] ?? '',
                'isFirst' => $texts === [],
            ];
        }

        return $texts;
    }

    /**
     * The chosen ones first: they are seen without searching for them.
     *
     * @return list<array<string, mixed>>
     */
    private function buildings(AushangForm $form, Choices $choices): array
    {
        $shown = [];
        foreach ($choices->gebaeude as $number => $address) {
            $number = (string)$number;
            $label = $address === '' || $address === $number ? $number : $address . ' (' . $number . ')';
            $shown[] = ['number' => $number, 'label' => $label, 'chosen' => in_array($number, $form->gebaeude, true)];
        }
        usort($shown, static fn(array $one, array $other): int => $other['chosen'] <=> $one['chosen']);

        return $shown;
    }

    /**
     * @param array<array-key, string> $labels by code
     * @return list<array<string, mixed>>
     */
    private static function options(array $labels, string $chosen): array
    {
        $options = [];
        foreach ($labels as $code => $label) {
            $options[] = ['code' => (string)$code, 'label' => $label, 'selected' => (string)$code === $chosen];
        }

        return $options;
    }
}
